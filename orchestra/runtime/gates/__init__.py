"""Gates: where a run waits for a person. `keeper` decides, `question` reads answers, `document` is the file."""
