"""What every page and call of the web shares: sign-in, sessions, headers, languages, services, wake-ups."""
