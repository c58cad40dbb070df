/* Tokens and passwords become headers. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "push/credentials.h"

enum { SECRET = 4096 /* bytes of one, with its NUL */ };

static enum gs_status read_file(const char *path, const char *name, char value[SECRET], struct gs_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, value, SECRET - 1) : -1;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (len < 0)
        return gs_fail(err, GS_FAILED, "cannot read the file that %s names: %s", name, strerror(reason));
    value[len] = '\0';
    value[strcspn(value, "\r\n")] = '\0';
    return GS_OK;
}

/* "" where it is not given. */
static enum gs_status read_secret(const char *name, char value[SECRET], struct gs_err *err)
{
    char of_file[64];
    const char *given = getenv(name), *path;
    enum gs_status status = GS_OK;
    value[0] = '\0';
    snprintf(of_file, sizeof of_file, "%s_FILE", name);
    if (given && strlen(given) >= SECRET)
        return gs_fail(err, GS_FAILED, "cannot push: %s is too long", name);
    if (given)
        strcpy(value, given);
    else if ((path = getenv(of_file)))
        status = read_file(path, of_file, value, err);
    for (const char *at = value; *at && !status; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            status = gs_fail(err, GS_FAILED, "cannot push: %s has control characters", name);
    }
    return status;
}

/* RFC 4648; out has room for 4 bytes for each 3, and a NUL. */
static void put_base64(char *out, const char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t three = 0;
        for (size_t j = 0; j < 3; j++)
            three = three << 8 | (i + j < len ? (unsigned char)bytes[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            *out++ = i + j <= len ? digits[three >> (18 - 6 * j) & 63] : '=';
    }
    *out = '\0';
}

static enum gs_status read_authorization(char **header, struct gs_err *err)
{
    char token[SECRET], user[SECRET], pair[2 * SECRET], coded[3 * SECRET];
    int put = 0;
    enum gs_status status = read_secret("GILSPY_PUSH_TOKEN", token, err);
    if (!status)
        status = read_secret("GILSPY_PUSH_USER", user, err);
    if (status)
        return status;
    if (*token) {
        put = asprintf(header, "Authorization: Bearer %s", token);
    } else if (*user) {
        status = read_secret("GILSPY_PUSH_PASSWORD", token, err);
        if (status)
            return status;
        snprintf(pair, sizeof pair, "%s:%s", user, token);
        put_base64(coded, pair, strlen(pair));
        put = asprintf(header, "Authorization: Basic %s", coded);
    }
    return put < 0 ? gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory") : GS_OK;
}

enum gs_status gs_push_credentials_read(struct gs_push_credentials *credentials, struct gs_err *err)
{
    char tenant[SECRET];
    *credentials = (struct gs_push_credentials){.ca_file = getenv("GILSPY_PUSH_CA_FILE")};
    char **header = credentials->headers;
    enum gs_status status = read_authorization(header, err);
    if (!status)
        status = read_secret("GILSPY_PUSH_TENANT", tenant, err);
    if (!status && *tenant && asprintf(*header ? header + 1 : header, "X-Scope-OrgID: %s", tenant) < 0)
        status = gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
    return status;
}

void gs_push_credentials_free(struct gs_push_credentials *credentials)
{
    for (size_t i = 0; credentials->headers[i]; i++) {
        explicit_bzero(credentials->headers[i], strlen(credentials->headers[i]));
        free(credentials->headers[i]);
    }
    *credentials = (struct gs_push_credentials){0};
}
