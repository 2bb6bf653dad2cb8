int  main( ){
const char*s="ж";return  s[0]+f( 1,2 );}
