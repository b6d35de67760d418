"""The quiz: films read alone, then with the model's opinion."""
