/* Everything that can be wrong with a call is refused, in words, and nothing is started. */
#include "check.h"
#include "hostcompute_nspawn.h"

#include <stddef.h>
#include <string.h>

/* The header's structs are laid out as the library's; its own test has the same numbers. */
#define AT(type, field, place) CHECK(offsetof(hostcompute_nspawn_##type, field) == (place))

static void layout(void)
{
    CHECK(sizeof(hostcompute_nspawn_options) == 64);
    AT(options, config_json, 8);
    AT(options, config_json_len, 16);
    AT(options, config_directory, 24);
    AT(options, state_directory, 32);
    AT(options, step, 40);
    AT(options, context, 48);
    AT(options, hcs_schema, 56);
    AT(options, flags, 60);
    CHECK(sizeof(hostcompute_nspawn_result) == 40);
    AT(result, report_json, 8);
    AT(result, error, 16);
    AT(result, exit_status, 24);
    AT(result, exited, 28);
    AT(result, exit_code, 32);
    AT(result, reserved, 36);
}

/* The message of the original's function must hold `words`. */
static void refused(const char *config, int length, const char *words)
{
    char *message = hostcompute_nspawn(config, length);
    CHECK(message != NULL);
    if (strstr(message, words) == NULL) {
        fprintf(stderr, "\"%s\" does not say \"%s\"\n", message, words);
        exit(1);
    }
    hostcompute_nspawn_free(message);
}

static void original(void)
{
    refused(NULL, 2, "config_json: is NULL");
    refused("{}", 0, "config_json_len");
    refused("{}", -1, "config_json_len");
    refused("{}", 2, "is required");
    refused("{", 1, "config_json");
    refused("{}\0", 3, "config_json");
    refused("\xff\xff\xff", 3, "not UTF-8");
    refused("{\"nonsense\": 1}", 15, "nonsense");
    hostcompute_nspawn_free(NULL);
}

static hostcompute_nspawn_options options(void)
{
    hostcompute_nspawn_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.config_json = "{}";
    options.config_json_len = 2;
    return options;
}

/* The run must be refused with `code`, in words that hold `words`, and with a record. */
static void run_refused(const hostcompute_nspawn_options *options, int code, const char *words)
{
    hostcompute_nspawn_result result;
    memset(&result, 0xaa, sizeof result);
    result.struct_size = sizeof result;
    CHECK(hostcompute_nspawn_run(options, &result) == code);
    CHECK(result.struct_size == sizeof result);
    CHECK(result.error != NULL && strstr(result.error, words) != NULL);
    CHECK(result.report_json != NULL && strstr(result.report_json, "\"failed\"") != NULL);
    CHECK(result.exited == 0 && result.exit_code == 0 && result.exit_status == 125 && result.reserved == 0);
    hostcompute_nspawn_free(result.error);
    hostcompute_nspawn_free(result.report_json);
}

static void versioned(void)
{
    hostcompute_nspawn_options wrong = options();
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "is required");
    run_refused(NULL, HOSTCOMPUTE_NSPAWN_INVALID, "options: is NULL");
    wrong.struct_size = 0;
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "struct_size");
    wrong.struct_size = (size_t)-1;
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "struct_size");
    wrong = options();
    wrong.config_json = NULL;
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "config_json: is NULL");
    wrong = options();
    wrong.config_json_len = (size_t)-1;
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "1 MiB");
    wrong = options();
    wrong.config_directory = "\xff";
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "config_directory");
    wrong = options();
    wrong.state_directory = "";
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "state_directory");
    wrong = options();
    wrong.hcs_schema = 3;
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "hcs_schema");
    wrong = options();
    wrong.flags = 2;
    run_refused(&wrong, HOSTCOMPUTE_NSPAWN_INVALID, "flags");
}

/* Structs of another version of the header. */
static void sizes(void)
{
    struct {
        hostcompute_nspawn_options known;
        char more[16];
    } later;
    struct {
        hostcompute_nspawn_result known;
        char more[16];
    } wanted;
    hostcompute_nspawn_result small;

    memset(&later, 0, sizeof later);
    later.known = options();
    later.known.struct_size = sizeof later;
    run_refused(&later.known, HOSTCOMPUTE_NSPAWN_INVALID, "is required");
    later.more[15] = 1;
    run_refused(&later.known, HOSTCOMPUTE_NSPAWN_INVALID, "does not know");

    memset(&wanted, 0xaa, sizeof wanted);
    wanted.known.struct_size = sizeof wanted;
    later.known = options();
    CHECK(hostcompute_nspawn_run(&later.known, &wanted.known) == HOSTCOMPUTE_NSPAWN_INVALID);
    CHECK(wanted.known.struct_size == sizeof wanted && wanted.more[0] == 0 && wanted.more[15] == 0);
    hostcompute_nspawn_free(wanted.known.error);
    hostcompute_nspawn_free(wanted.known.report_json);

    memset(&small, 0, sizeof small);
    small.struct_size = sizeof small - 1;
    CHECK(hostcompute_nspawn_run(&later.known, &small) == HOSTCOMPUTE_NSPAWN_INVALID);
    CHECK(small.error == NULL && small.report_json == NULL);
    CHECK(hostcompute_nspawn_run(&later.known, NULL) == HOSTCOMPUTE_NSPAWN_INVALID);
}

int main(void)
{
    layout();
    CHECK(strncmp(hostcompute_nspawn_version(), "2.", 2) == 0);
    original();
    versioned();
    sizes();
    puts("border: good");
    return 0;
}
