/* Prints what each file holds, or that it is absent; what each pattern with a star matches; and makes one file more. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

static void list(const char *pattern)
{
    WIN32_FIND_DATAA found;
    HANDLE search = FindFirstFileA(pattern, &found);
    if (search != INVALID_HANDLE_VALUE) {
        do
            printf("%s;", found.cFileName);
        while (FindNextFileA(search, &found));
        FindClose(search);
    }
    puts("");
}

int main(int count, char **names)
{
    for (int i = 1; i < count; i++) {
        char text[64] = "absent";
        if (strchr(names[i], '*')) {
            list(names[i]);
            continue;
        }
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
