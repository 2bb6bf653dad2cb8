/* Tells who it is, and whose files are: on Linux by system calls, which a Windows program under Wine can make too.

     account          its status and its maps; whose each of the rest is, and whether it can change that one's mode
     ... PATH...                                                                                                  */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../isolation/programs/raw.h"

static char text[1 << 14];

static void lines(const char *key, const char *path)
{
    word length = read_file(path, text, sizeof text);
    for (char *line = length > 0 ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n"))
        printf("%s %s\n", key, line);
}

#ifdef _WIN32
#include <windows.h>
#include <shlobj.h>

static void windows(void)
{
    static const char *names[] = {"USERNAME", "USERPROFILE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"};
    char found[MAX_PATH];
    DWORD length = sizeof found;
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        printf("variable %s=%s\n", names[n], getenv(names[n]) ? getenv(names[n]) : "");
    printf("name %s\n", GetUserNameA(found, &length) ? found : "");
    static const int folders[] = {CSIDL_APPDATA, CSIDL_LOCAL_APPDATA, CSIDL_PROFILE, CSIDL_PERSONAL};
    for (unsigned n = 0; n < sizeof folders / sizeof *folders; n++)
        printf("folder %s\n", SHGetFolderPathA(NULL, folders[n], NULL, 0, found) == S_OK ? found : "");
    for (unsigned n = 1; n < sizeof names / sizeof *names; n++) {
        DWORD attributes = GetFileAttributesA(getenv(names[n]) ? getenv(names[n]) : "");
        printf("directory %d\n", attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY);
    }
    GetTempPathA(sizeof found, found);
    strcat(found, "file");
    HANDLE made = CreateFileA(found, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
    printf("temporary %u\n", made == INVALID_HANDLE_VALUE ? (unsigned)GetLastError() : 0);
}
#else
static void windows(void) {}
#endif

int main(int argc, char **argv)
{
    lines("status", "/proc/self/status");
    lines("uids", "/proc/self/uid_map");
    lines("gids", "/proc/self/gid_map");
    for (int n = 1; n < argc; n++) {
        unsigned stat[36];
        word result = RAW2(6, argv[n], stat);
        printf("owner %u:%u %s\n", result ? 0xbad : stat[7], result ? 0xbad : stat[8], argv[n]);
        printf("change %lld %s\n", RAW2(90, argv[n], stat[6] & 07777), argv[n]);
    }
    windows();
    printf("made %d\n", open_file("/work/made", CREATE | WRITE_ONLY) >= 0 ||
                            open_file("/wine/drive_c/work/made", CREATE | WRITE_ONLY) >= 0);
    return 0;
}
