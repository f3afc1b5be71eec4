"""Tables and plots made of the files in results/: `pages.py` fills marked blocks of Markdown pages with them.

`record.py` reads what `tools/benchmark.py` wrote; `beside.py`, `equal_budget.py` and `papers.py` make tables of it, and
`plots.py` the plots. `measurements.py` makes those of all other result files. `tools/make_results.py` is the command.
"""
