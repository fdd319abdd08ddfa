"""The four upstreams."""
