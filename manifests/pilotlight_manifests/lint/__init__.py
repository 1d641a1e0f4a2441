"""What will hurt in KServe YAML, found before it is applied.

Text becomes documents with positions (``document``), documents become workloads with the facts that
matter (``workload``), and every rule of ``rules.ALL`` looks at them. A rule that lacks a fact is
silent, or says which option would tell it.
"""
