/*!40101 SET NAMES utf8mb4 */;
/*M!100100 DO 1 */;
/*! DO 2; */ DO 3;
