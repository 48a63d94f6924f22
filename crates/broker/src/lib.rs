//! All of the message broker: topology, connecting, confirmed publishing, subscribing, settling.
