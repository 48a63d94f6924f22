//! Private RabbitMQ and MariaDB servers in a folder, on free ports.
