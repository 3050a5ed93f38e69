"""The types of steps, one file each: `workflows.steps.registry` finds them."""
