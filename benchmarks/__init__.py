"""How fast the plugin is, beside everything else that brings such pages into a site.

`python -m benchmarks` (`make benchmark`) prints the table, `python -m benchmarks.targets` (`make
targets`) what is promised and whether it holds, `python -m benchmarks.concurrency` how well
fetching keeps to its limit, `python -m benchmarks.cold` (`make cold`) how long first builds take.
All of them measure on the stand-in of `example-site/standin`.
"""
