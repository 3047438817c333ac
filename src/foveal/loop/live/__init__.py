"""The worker's half of a project: what people have read becomes lessons, and these a next query."""

from foveal.loop.live.grow import Growth, grow_project
from foveal.loop.live.init import Beginning, init_project, project_spec
from foveal.loop.live.worker import Worker

__all__ = ["Beginning", "Growth", "Worker", "grow_project", "init_project", "project_spec"]
