"""Real clients in front of the proxy, mock upstreams behind it."""
