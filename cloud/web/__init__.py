"""HTTP and WebSocket: requests in, answers out. Decides nothing; maps errors to status codes."""
