//! Every metric series of queryfleet, and the HTTP server for /metrics, /livez and /readyz.
