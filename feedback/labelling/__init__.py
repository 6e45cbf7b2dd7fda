"""People label: what is asked, whom it is given to, and what their labels come to."""
