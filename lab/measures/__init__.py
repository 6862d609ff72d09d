"""What the recipes and the experiments measure, each kind once."""
