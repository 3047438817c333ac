"""Volumes: how their pictures and tiles are named, unpacked once, and listed as rows."""
