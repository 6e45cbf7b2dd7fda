"""What serves and why: deployments, exposure of a new adapter, approvals, the policy, model cards."""
