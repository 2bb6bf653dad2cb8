/* host CONFIG STATE: a host with threads and habits of its own, which runs the config in the file CONFIG four times at
   once, and is in all ways after it as it was before. The program shall exit with 7. */
#define _GNU_SOURCE
#include "check.h"
#include "hostcompute_nspawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 4

static char config[1 << 20];
static size_t config_length;
static const char *state;
static atomic_int ticks, children, done;

static void tick(int signal)
{
    (void)signal;
    ++ticks;
}

static void child(int signal)
{
    (void)signal;
    ++children;
}

/* Calls that a signal interrupts are not begun anew: whoever runs on this thread must bear it. */
static void handle(int signal, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static int count_in(const char *directory)
{
    DIR *opened = opendir(directory);
    int count = 0;
    CHECK(opened != NULL);
    while (readdir(opened) != NULL)
        ++count;
    closedir(opened);
    return count;
}

/* What a process is, as far as its threads share it: what /proc tells, its directory and its environment. */
struct self {
    char status[512], directory[512];
    int descriptors, variables;
    struct sigaction actions[65];
};

extern char **environ;

static void look(struct self *self)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    int signal;
    CHECK(file != NULL);
    memset(self, 0, sizeof *self);
    while (fgets(line, sizeof line, file) != NULL) {
        static const char *const told[] = {"Umask:", "Uid:", "Gid:", "CapEff:", "SigBlk:", "SigIgn:", "SigCgt:",
                                           "NoNewPrivs:", "Seccomp:"};
        for (size_t i = 0; i < sizeof told / sizeof *told; ++i)
            if (strncmp(line, told[i], strlen(told[i])) == 0)
                strcat(self->status, line);
    }
    fclose(file);
    CHECK(getcwd(self->directory, sizeof self->directory) != NULL);
    while (environ[self->variables] != NULL)
        ++self->variables;
    for (signal = 1; signal < 65; ++signal)
        sigaction(signal, NULL, &self->actions[signal]);
    self->descriptors = count_in("/proc/self/fd");
}

static void same(const struct self *before, const struct self *after)
{
    int signal;

    if (strcmp(before->status, after->status) != 0)
        fprintf(stderr, "before:\n%safter:\n%s", before->status, after->status);
    CHECK(strcmp(before->status, after->status) == 0);
    CHECK(strcmp(before->directory, after->directory) == 0);
    CHECK(before->descriptors == after->descriptors);
    CHECK(before->variables == after->variables);
    for (signal = 1; signal < 65; ++signal) {
        const struct sigaction *was = &before->actions[signal], *is = &after->actions[signal];
        if (was->sa_handler != is->sa_handler || was->sa_flags != is->sa_flags)
            fprintf(stderr, "signal %d\n", signal);
        CHECK(was->sa_handler == is->sa_handler && was->sa_flags == is->sa_flags);
    }
}

static void *caller(void *unused)
{
    hostcompute_nspawn_options options;
    hostcompute_nspawn_result result;
    int code;

    (void)unused;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.config_json = config;
    options.config_json_len = config_length;
    options.state_directory = state;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    code = hostcompute_nspawn_run(&options, &result);
    if (code != HOSTCOMPUTE_NSPAWN_OK)
        fprintf(stderr, "%d: %s\n", code, result.error);
    CHECK(code == HOSTCOMPUTE_NSPAWN_OK);
    CHECK(result.exited == 1 && result.exit_code == 7 && result.exit_status == 7 && result.error == NULL);
    hostcompute_nspawn_free(result.report_json);
    ++done;
    return NULL;
}

static void *nothing(void *unused)
{
    return unused;
}

/* What the umask is, as another thread sees it all the while: a file tells. */
static void check_umask(void)
{
    struct stat stat;
    int file = open("made", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    CHECK(file >= 0);
    CHECK(fstat(file, &stat) == 0);
    CHECK((stat.st_mode & 0777) == (0666 & ~0077));
    close(file);
    CHECK(unlink("made") == 0);
}

int main(int count, char **arguments)
{
    static struct self before, after;
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    pthread_t threads[AT_ONCE];
    pid_t own;
    int i, status, threads_before, tries = 0;
    time_t deadline = time(NULL) + 60;
    FILE *file;

    CHECK(count == 3);
    file = fopen(arguments[1], "rb");
    CHECK(file != NULL);
    config_length = fread(config, 1, sizeof config, file);
    fclose(file);
    state = arguments[2];
    CHECK(chdir(state) == 0);

    umask(0077);
    handle(SIGALRM, tick);
    handle(SIGCHLD, child);
    handle(SIGPIPE, SIG_DFL);
    /* The first thread changes how libc's own signals are handled. */
    CHECK(pthread_create(&threads[0], NULL, nothing, NULL) == 0);
    CHECK(pthread_join(threads[0], NULL) == 0);
    threads_before = count_in("/proc/self/task");
    look(&before);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (i = 0; i < AT_ONCE; ++i)
        CHECK(pthread_create(&threads[i], NULL, caller, NULL) == 0);
    while (done < AT_ONCE) {
        CHECK(time(NULL) < deadline);
        check_umask();
        /* Reaping whatever there is takes no child of the library's. */
        CHECK(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
    }
    for (i = 0; i < AT_ONCE; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(ticks > 0);
    CHECK(children == 0);
    look(&after);
    same(&before, &after);
    /* A thread that was joined may be seen for a moment. */
    for (; count_in("/proc/self/task") > threads_before; usleep(10000))
        CHECK(++tries < 500);

    /* Its own children are its own still. */
    own = fork();
    CHECK(own >= 0);
    if (own == 0)
        _exit(3);
    CHECK(waitpid(own, &status, 0) == own || errno == EINTR);
    CHECK(children == 1);
    puts("host: good");
    return 0;
}
