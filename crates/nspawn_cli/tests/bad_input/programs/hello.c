/* Says hello, and how many arguments it got where it got some. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        printf("hello %d\n", argc - 1);
    else
        puts("hello");
    return 0;
}
