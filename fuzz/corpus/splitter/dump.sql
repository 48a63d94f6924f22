/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump

/*!40000 ALTER TABLE `t` DISABLE KEYS */;
INSERT INTO `t` VALUES (1,_binary '\0\Z'),(2,NULL);
