"""Decides and controls what serves: deployments, the exposure of a new adapter, approvals, the policy, and
model cards.
"""
