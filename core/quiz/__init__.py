"""A quiz for learners: films read alone, then with the model's opinion, and the score."""
