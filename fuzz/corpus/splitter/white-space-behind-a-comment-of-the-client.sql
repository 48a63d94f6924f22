#
--x
                                        
DO 1;
