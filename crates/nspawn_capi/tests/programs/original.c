/* original CONFIG: runs the config in the file CONFIG by the functions of hostcompute_nspawn 1.3, as a program written
   for that one does. Prints what was returned. */
#include "check.h"
#include "hostcompute_nspawn.h"

static char config[1 << 20];

int main(int count, char **arguments)
{
    char *message;
    size_t length;
    FILE *file;

    CHECK(count == 2);
    file = fopen(arguments[1], "rb");
    CHECK(file != NULL);
    length = fread(config, 1, sizeof config, file);
    fclose(file);
    message = hostcompute_nspawn(config, (int)length);
    printf("returned %s\n", message != NULL ? message : "NULL");
    hostcompute_nspawn_free(message);
    return 0;
}
