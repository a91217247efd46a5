"""Compares a judge with labels made by people: how far they agree, and what people would say of all pictures.

run ─▶ sheet (a random sample of cases) ─▶ page ─▶ labels.json ─▶ read ─▶ join with the run's scores ─▶ assess
"""
