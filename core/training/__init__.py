"""The loop, its optimisers and schedules, and the folder a run leaves behind."""
