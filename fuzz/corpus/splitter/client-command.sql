DO 1;
\! ls
DO 2;
