"""What serves: deploying, the ramp of a new adapter, approvals, the policy, and the adapter's card."""
