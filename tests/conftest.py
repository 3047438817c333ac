"""Same examples every time, no deadlines; its place puts `generators` on the path of every test."""

from hypothesis import settings

settings.register_profile("foveal", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("foveal")
