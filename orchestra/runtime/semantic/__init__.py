"""What a script leaves to a model's judgement: whether something holds, which way to go, how to say it shorter.

`evidence` finds what needs no model, `questions` holds the words and schemas in which a judge is asked, `judge` decides
and keeps a row of every decision, `summary` shortens, `settings` reads what a script says about all this.
"""
