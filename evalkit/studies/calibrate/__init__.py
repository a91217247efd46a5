"""A judge held against labels made by people: which pictures to label, how far they agree, what follows for the rest.

run ─▶ sheet (a random sample of cases) ─▶ page ─▶ labels.json ─▶ read ─▶ join with the run's scores ─▶ assess
"""
