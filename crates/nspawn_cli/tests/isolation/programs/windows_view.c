/* What a Windows program sees through Windows' own functions:

     environment      its variables
     drives           the drives that there are
     open PATH...     whether it can open these: the error, 0 where it can
     read PATH...     whether it can read from these: the error, 0 where it can
     write PATH...    whether it can open these to write, or make them
     list DIRECTORY   what is in it
     connect PORT     whether it reaches the port on 127.0.0.1: the error                                          */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned open_path(const char *path, DWORD access, DWORD how)
{
    HANDLE file = CreateFileA(path, access, 7, NULL, how, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    return file == INVALID_HANDLE_VALUE ? GetLastError() : 0;
}

static unsigned read_path(const char *path)
{
    char bytes[512];
    DWORD got;
    HANDLE file = CreateFileA(path, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    return file != INVALID_HANDLE_VALUE && ReadFile(file, bytes, sizeof bytes, &got, NULL) ? 0 : GetLastError();
}

static void list(const char *directory)
{
    char pattern[512];
    WIN32_FIND_DATAA found;
    snprintf(pattern, sizeof pattern, "%s\\*", directory);
    HANDLE search = FindFirstFileA(pattern, &found);
    if (search == INVALID_HANDLE_VALUE)
        printf("error %u\n", (unsigned)GetLastError());
    else
        do
            printf("entry %s\n", found.cFileName);
        while (FindNextFileA(search, &found));
}

static int connect_port(int port)
{
    WSADATA data;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (WSAStartup(MAKEWORD(2, 2), &data))
        return -1;
    SOCKET made = socket(AF_INET, SOCK_STREAM, 0);
    return connect(made, (struct sockaddr *)&address, sizeof address) ? WSAGetLastError() : 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *first = argc > 2 ? argv[2] : "";
    if (!strcmp(what, "environment"))
        for (char *block = GetEnvironmentStringsA(); *block; block += strlen(block) + 1)
            printf("variable %s\n", block);
    else if (!strcmp(what, "drives"))
        printf("drives %u\n", (unsigned)GetLogicalDrives());
    else if (!strcmp(what, "open"))
        for (int n = 2; n < argc; n++)
            printf("open %u %s\n", open_path(argv[n], GENERIC_READ, OPEN_EXISTING), argv[n]);
    else if (!strcmp(what, "read"))
        for (int n = 2; n < argc; n++)
            printf("read %u %s\n", read_path(argv[n]), argv[n]);
    else if (!strcmp(what, "write"))
        for (int n = 2; n < argc; n++)
            printf("write %u %s\n", open_path(argv[n], GENERIC_WRITE, OPEN_ALWAYS), argv[n]);
    else if (!strcmp(what, "list"))
        list(first);
    else if (!strcmp(what, "connect"))
        printf("connect %d\n", connect_port(atoi(first)));
    else
        return 2;
    return 0;
}
