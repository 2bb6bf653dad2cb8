/*
 * hostcompute_nspawn: runs one Windows program in a container.
 *
 * hostcompute_nspawn and hostcompute_nspawn_free are the functions of hostcompute_nspawn 1.3 and mean what they did.
 * hostcompute_nspawn_run also tells how the program ended.
 *
 * Every function may be called from any thread, from several at once. A call returns when the program has ended and
 * its container is gone. Nothing of the calling process is changed: not its signals, umask, directory, environment or
 * descriptors. (On Windows the backup and restore privileges of the process are turned on.) Nothing is printed.
 *
 * Text is UTF-8 and ends with a zero, unless its length is given.
 */
#ifndef HOSTCOMPUTE_NSPAWN_H
#define HOSTCOMPUTE_NSPAWN_H

#include <stddef.h>
#include <stdint.h>

/* Define HOSTCOMPUTE_NSPAWN_STATIC to link with the static library on Windows. */
#ifndef HOSTCOMPUTE_NSPAWN_EXPORT
#if defined(_WIN32) && !defined(HOSTCOMPUTE_NSPAWN_STATIC)
#define HOSTCOMPUTE_NSPAWN_EXPORT __declspec(dllimport)
#else
#define HOSTCOMPUTE_NSPAWN_EXPORT
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Runs the program that a config.json describes, whose text is config_json, of config_json_len bytes. Paths in it that
 * are relative are relative to the current directory.
 *
 * Returns NULL when the program ran and ended, whatever its exit code. Otherwise returns what went wrong, on one
 * line, to be freed by hostcompute_nspawn_free: the program could not be run, or it was ended because its time was
 * up or its memory had run out.
 */
HOSTCOMPUTE_NSPAWN_EXPORT
char *hostcompute_nspawn(const char *config_json, int config_json_len);

/* Frees text that a function of this library returned, once. NULL is fine. */
HOSTCOMPUTE_NSPAWN_EXPORT
void hostcompute_nspawn_free(char *text);

/* What hostcompute_nspawn_run returns. More may be added: treat an unknown one as HOSTCOMPUTE_NSPAWN_HOST. */
enum {
    HOSTCOMPUTE_NSPAWN_OK = 0,             /* the program ran, and how it ended is known */
    HOSTCOMPUTE_NSPAWN_INVALID = 1,        /* an argument or the config is wrong; nothing was touched */
    HOSTCOMPUTE_NSPAWN_NO_PROGRAM = 2,     /* process_executable is not there */
    HOSTCOMPUTE_NSPAWN_NOT_EXECUTABLE = 3, /* process_executable cannot be executed here */
    HOSTCOMPUTE_NSPAWN_NOT_FOUND = 4,      /* a file, directory or layer that was named is not there */
    HOSTCOMPUTE_NSPAWN_EXISTS = 5,         /* the container's name is taken */
    HOSTCOMPUTE_NSPAWN_STATE = 6,          /* the container is not in a state that allows it */
    HOSTCOMPUTE_NSPAWN_UNSUPPORTED = 7,    /* this host or this version cannot do it */
    HOSTCOMPUTE_NSPAWN_DENIED = 8,         /* the process may not do it: it takes root or an administrator */
    HOSTCOMPUTE_NSPAWN_TIMEOUT = 9,        /* the host did not answer in time */
    HOSTCOMPUTE_NSPAWN_CORRUPT = 10,       /* something of ours on disk is damaged */
    HOSTCOMPUTE_NSPAWN_HOST = 11,          /* the host failed: a system call, the disk, the Host Compute Service */
    HOSTCOMPUTE_NSPAWN_DEFECT = 12         /* this library has a defect, and met it */
};

/* Flags of hostcompute_nspawn_options. */
enum {
    /* Start even where this host cannot hold a limit; the report says which. */
    HOSTCOMPUTE_NSPAWN_ALLOW_UNENFORCED = 1
};

/* What to run. Set all of it to zero, then struct_size and what is wanted: zero stands for the usual. */
typedef struct hostcompute_nspawn_options {
    size_t struct_size;      /* sizeof(struct hostcompute_nspawn_options) */
    const char *config_json; /* the text of a config.json */
    size_t config_json_len;  /* its length in bytes */
    const char *config_directory; /* what relative paths are relative to; usually the current directory */
    const char *state_directory;  /* where all state is kept, as by --root; usually the places of the host */
    /* Told each step, on one line, by the thread that called hostcompute_nspawn_run. It must return, and not by an
       exception or longjmp. The line is gone when it has returned. */
    void (*step)(void *context, const char *line);
    void *context;           /* given to step */
    uint32_t hcs_schema;     /* of the documents, 1 or 2; usually the host's own */
    uint32_t flags;          /* HOSTCOMPUTE_NSPAWN_ALLOW_UNENFORCED or 0 */
} hostcompute_nspawn_options;

/* What came of it. Set struct_size; the rest is written, whatever is returned. */
typedef struct hostcompute_nspawn_result {
    size_t struct_size;  /* sizeof(struct hostcompute_nspawn_result) */
    char *report_json;   /* what --report writes, of a failure too; free it */
    char *error;         /* what went wrong, on one line; NULL with HOSTCOMPUTE_NSPAWN_OK; free it */
    uint32_t exit_status; /* what the program hostcompute_nspawn would exit with: 0 to 255, on Windows any */
    uint32_t exited;     /* 1 where the program exited by itself, else 0 */
    uint32_t exit_code;  /* then all 32 bits of its exit code */
    uint32_t reserved;   /* 0 */
} hostcompute_nspawn_result;

/*
 * Runs what options describe and tells in result what came of it. Returns HOSTCOMPUTE_NSPAWN_OK or why it could not be
 * run. A struct of another size than this header's is taken where what is beyond the known is zero.
 */
HOSTCOMPUTE_NSPAWN_EXPORT
int hostcompute_nspawn_run(const hostcompute_nspawn_options *options, hostcompute_nspawn_result *result);

/* Returns the version of the library as text, such as "2.0.0". Not to be freed. */
HOSTCOMPUTE_NSPAWN_EXPORT
const char *hostcompute_nspawn_version(void);

#ifdef __cplusplus
}
#endif

#endif
