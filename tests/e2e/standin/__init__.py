"""A server in the predictor's place: its API without a model, with faults on demand.

It starts at once and answers with words that depend on the prompt and on its version alone. Its
behaviour (:class:`~.behaviour.Behaviour`) comes from ``STANDIN_<FIELD>`` variables, is read at
``GET /admin/behaviour`` and changed at ``POST /admin/behaviour``; ``POST /admin/die`` kills it.
"""
