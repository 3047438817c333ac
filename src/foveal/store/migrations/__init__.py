"""Steps of a project's database, one file each; run by `foveal.store.migrate`."""
