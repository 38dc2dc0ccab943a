"""The `anju` command and the all-in-one composition: only here edge, cloud and simulators meet."""
