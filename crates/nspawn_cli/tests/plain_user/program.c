/* Says what it is told to say, writes a file beside itself, and exits with the code of its second argument. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments)
{
    if (count < 3)
        return 1;
    puts(arguments[1]);
    fflush(stdout);
    FILE *made = fopen("made.txt", "w");
    if (!made || fputs("made", made) < 0 || fclose(made) != 0)
        return 2;
    if (strcmp(arguments[2], "wait") == 0)
        for (;;)
            ;
    return atoi(arguments[2]);
}
