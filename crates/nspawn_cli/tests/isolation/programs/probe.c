/* Looks around in a container and tries to get out, by raw system calls, native and as a Windows program:

     processes         every process that it sees: its name and its credentials
     files             what every open file of every process is
     network           interfaces, and whether its own loopback works
     cat FILE...       these files, line by line (NULs as line ends)
     list DIRECTORY... what is in these
     read FILE...      whether it can open these to read, or list them
     write FILE...     whether it can open these to write, or make a file in them
     programs          whether it can write to the file of any process that it sees, or to what is mapped of it
     memory            whether it can write over the beginning of any program in a process's memory
     type FILE...      what kind of file system these are on
     connect PORT      whether it reaches the port on 127.0.0.1
     abstract NAME     whether it reaches the abstract socket
     kill PID...       whether there are such processes
     change FILE...    whether it can change the mode of these
     rest MS           nothing, for so long
     calls             what the calls that could widen a container return
     walls             processes, files, mounts and mapped ids, and whether it can write to the root               */
#include "raw.h"
#include "calls.h"

static char text[1 << 16];

static void lines(const char *key, const char *what, word length)
{
    const char *line = text;
    for (word at = 0; at < length; at++)
        if (text[at] == '\n' || text[at] == 0) {
            text[at] = 0;
            printf("%s %s%s\n", key, what, line);
            line = text + at + 1;
        }
}

static int is_number(const char *name) { return *name >= '0' && *name <= '9'; }

static void process(const char *path, const char *name)
{
    char file[64], pid[32];
    snprintf(file, sizeof file, "%s/%s/status", path, name);
    snprintf(pid, sizeof pid, "%s ", name);
    /* One may have ended since its name was read. */
    word length = is_number(name) ? read_file(file, text, sizeof text) : 0;
    if (length > 0) {
        printf("process %s\n", name);
        lines("status", pid, length);
    }
}

static void lines_of(const char *key, const char *file)
{
    lines(key, "", read_file(file, text, sizeof text));
}

static void opened(const char *path, const char *name)
{
    char file[128], link[4096];
    snprintf(file, sizeof file, "%s/%s", path, name);
    read_link(file, link, sizeof link);
    /* /proc/PID/fd/N */
    printf("file %s %s\n", path + 6, link);
}

static void files_of(const char *path, const char *name)
{
    char directory[64];
    if (!is_number(name))
        return;
    snprintf(directory, sizeof directory, "%s/%s/fd", path, name);
    each_entry(directory, opened);
}

static void program_of(const char *path, const char *name)
{
    char file[64], link[4096];
    if (!is_number(name))
        return;
    snprintf(file, sizeof file, "%s/%s/exe", path, name);
    read_link(file, link, sizeof link);
    printf("program %lld %s\n", open_file(file, WRITE_ONLY), link);
    printf("program %lld %s\n", open_file(link, WRITE_ONLY), link);
    printf("program %lld %s\n", RAW2(76, link, 0), link);
}

static void mapped_of(const char *path, const char *name)
{
    char file[128], link[4096];
    snprintf(file, sizeof file, "%s/%s", path, name);
    read_link(file, link, sizeof link);
    printf("mapped %lld %s\n", open_file(file, WRITE_ONLY), link);
}

static void maps_of(const char *path, const char *name)
{
    char directory[64];
    snprintf(directory, sizeof directory, "%s/%s/map_files", path, name);
    if (is_number(name))
        each_entry(directory, mapped_of);
}

/* Where the beginning of a file is mapped, a byte that nobody reads again. */
static void memory_of(const char *path, const char *name)
{
    char file[64], *line = text, *end;
    if (!is_number(name))
        return;
    snprintf(file, sizeof file, "%s/%s/maps", path, name);
    word length = read_file(file, text, sizeof text);
    snprintf(file, sizeof file, "%s/%s/mem", path, name);
    word memory = open_file(file, READ_WRITE);
    for (; length > 0 && *line; line = end + 1) {
        unsigned long long from, to, offset;
        int node, at = 0;
        for (end = line; *end && *end != '\n'; end++)
            ;
        int last = !*end;
        *end = 0;
        if (sscanf(line, "%llx-%llx %*s %llx %*s %d %n", &from, &to, &offset, &node, &at) >= 4 && !offset && node)
            printf("memory %lld %s\n", memory < 0 ? memory : RAW4(18, memory, "!", 1, from + 1), line + at);
        if (last)
            break;
    }
    close_file(memory);
}

static word type_of(const char *path)
{
    word found[15];
    word result = RAW2(137, path, found);
    return result < 0 ? result : found[0];
}

static void entry(const char *path, const char *name)
{
    printf("entry %s %s\n", path, name);
}

static word tried(const char *path, int write)
{
    char inside[4096];
    word file = open_file(path, write ? WRITE_ONLY : READ_ONLY);
    if (file == -21) { /* a directory */
        snprintf(inside, sizeof inside, "%s/nspawn_probe", path);
        file = open_file(inside, WRITE_ONLY | CREATE);
        RAW1(87, inside);
    }
    if (file >= 0 && !write) {
        /* Something may be opened that cannot be read. */
        word got = read_from(file, text, 16);
        if (got < 0 && got != -21)
            return got;
    }
    return file;
}

static word connect_to(int family, const void *address, int size)
{
    word file = RAW3(41, family, 1, 0);
    return RAW3(42, file, address, size);
}

static word connect_port(int port)
{
    unsigned char address[16] = {2, 0, port >> 8, port, 127, 0, 0, 1};
    return connect_to(2, address, sizeof address);
}

static word connect_abstract(const char *name)
{
    char address[110] = {1, 0, 0};
    strcpy(address + 3, name);
    return connect_to(1, address, 3 + strlen(name));
}

static void network(void)
{
    unsigned char address[16] = {2, 0, 0, 0, 127, 0, 0, 1};
    int size = sizeof address;
    word file = RAW3(41, 2, 1, 0);
    lines_of("interface", "/proc/self/net/dev");
    printf("bound %lld\n", RAW3(49, file, address, size));
    RAW2(50, file, 1);
    RAW3(51, file, address, &size);
    printf("loopback %lld\n", connect_port(address[2] << 8 | address[3]));
}

static void walls(void)
{
    each_entry("/proc", process);
    each_entry("/proc", files_of);
    lines_of("mount", "/proc/self/mountinfo");
    lines_of("uid_map", "/proc/self/uid_map");
    lines_of("gid_map", "/proc/self/gid_map");
    printf("write %lld /x\n", open_file("/x", WRITE_ONLY | CREATE));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *first = argc > 2 ? argv[2] : "";
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (!strcmp(what, "processes"))
        each_entry("/proc", process);
    else if (!strcmp(what, "files"))
        each_entry("/proc", files_of);
    else if (!strcmp(what, "programs")) {
        each_entry("/proc", program_of);
        each_entry("/proc", maps_of);
    } else if (!strcmp(what, "memory"))
        each_entry("/proc", memory_of);
    else if (!strcmp(what, "type"))
        for (int n = 2; n < argc; n++)
            printf("type %lld %s\n", type_of(argv[n]), argv[n]);
    else if (!strcmp(what, "network"))
        network();
    else if (!strcmp(what, "cat"))
        for (int n = 2; n < argc; n++)
            lines_of("line", argv[n]);
    else if (!strcmp(what, "list"))
        for (int n = 2; n < argc; n++)
            each_entry(argv[n], entry);
    else if (!strcmp(what, "read") || !strcmp(what, "write"))
        for (int n = 2; n < argc; n++)
            printf("%s %lld %s\n", what, tried(argv[n], what[0] == 'w'), argv[n]);
    else if (!strcmp(what, "change"))
        for (int n = 2; n < argc; n++)
            printf("change %lld %s\n", RAW2(90, argv[n], 0666), argv[n]);
    else if (!strcmp(what, "rest"))
        RAW2(35, ((word[2]){atoi(first) / 1000, atoi(first) % 1000 * 1000000ll}), 0);
    else if (!strcmp(what, "connect"))
        printf("connect %lld\n", connect_port(atoi(first)));
    else if (!strcmp(what, "abstract"))
        printf("abstract %lld\n", connect_abstract(first));
    else if (!strcmp(what, "kill"))
        for (int n = 2; n < argc; n++)
            printf("kill %lld %s\n", RAW2(62, atoi(argv[n]), 0), argv[n]);
    else if (!strcmp(what, "calls"))
        calls();
    else if (!strcmp(what, "walls"))
        walls();
    else
        return 2;
    return 0;
}
