/* Prints what each file holds, or that it is absent, and makes one more. */
#include <stdio.h>

int main(int count, char **names)
{
    for (int i = 1; i < count; i++) {
        char text[64] = "absent";
        FILE *file = fopen(names[i], "r");
        if (file) {
            size_t length = fread(text, 1, sizeof text - 1, file);
            text[length] = 0;
            fclose(file);
        }
        puts(text);
    }
    FILE *made = fopen("C:\\tools\\new.txt", "w");
    if (made && fputs("new", made) >= 0 && fclose(made) == 0)
        puts("wrote");
    return 0;
}
