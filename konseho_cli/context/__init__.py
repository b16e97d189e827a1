"""What a step sees: templates and the values that they may use."""
