/* See sum_algorithm.h. */
#include "sum_algorithm.h"

#include <millrace.h>
#include <openssl/err.h>
#include <string.h>
#include <strings.h>

static const sum_algorithm algorithms[] = {
    {"md5", NULL, "MD5", "MD5", 16},
    {"sha1", NULL, "SHA1", "SHA1", 20},
    {"sha224", NULL, "SHA2-224", "SHA224", 28},
    {"sha256", NULL, "SHA2-256", "SHA256", 32},
    {"sha384", NULL, "SHA2-384", "SHA384", 48},
    {"sha512", NULL, "SHA2-512", "SHA512", 64},
    {"sha512-256", NULL, "SHA2-512/256", "SHA512-256", 32},
    {"sha3-224", NULL, "SHA3-224", "SHA3-224", 28},
    {"sha3-256", NULL, "SHA3-256", "SHA3-256", 32},
    {"sha3-384", NULL, "SHA3-384", "SHA3-384", 48},
    {"sha3-512", NULL, "SHA3-512", "SHA3-512", 64},
    {"blake2b512", "blake2b", "BLAKE2B-512", "BLAKE2b", 64},
    {"blake2s256", "blake2s", "BLAKE2S-256", "BLAKE2s", 32},
    {"sm3", NULL, "SM3", "SM3", 32},
};

enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

const sum_algorithm *sum_algorithm_named(const char *name)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (strcasecmp(algorithms[i].name, name) == 0 ||
            (algorithms[i].alias && strcasecmp(algorithms[i].alias, name) == 0))
            return &algorithms[i];
    return NULL;
}

static bool is(const char *name, const char *tag, size_t len)
{
    return strlen(name) == len && memcmp(name, tag, len) == 0;
}

const sum_algorithm *sum_algorithm_tagged(const char *tag, size_t len)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (is(algorithms[i].tag, tag, len) ||
            is(algorithms[i].openssl, tag, len))
            return &algorithms[i];
    return NULL;
}

const char *sum_algorithm_list(void)
{
    return "md5, sha1, sha224, sha256, sha384, sha512, sha512-256, sha3-224, "
           "sha3-256, sha3-384, sha3-512, blake2b512, blake2s256, sm3";
}

/* Errors of OpenSSL are queued for the thread: they shall not pile up. */
static int failed(int code)
{
    ERR_clear_error();
    return code;
}

static int choose(sum_digester *d, const sum_algorithm *algorithm)
{
    EVP_MD *md = EVP_MD_fetch(NULL, algorithm->openssl, NULL);
    if (!md)
        return failed(MR_ENOTSUP);
    if ((size_t)EVP_MD_get_size(md) != algorithm->size) {
        EVP_MD_free(md);
        return MR_ENOTSUP;
    }
    EVP_MD_free(d->md);
    d->md = md;
    d->algorithm = algorithm;
    return 0;
}

int sum_digester_begin(sum_digester *d, const sum_algorithm *algorithm)
{
    if (!d->context)
        d->context = EVP_MD_CTX_new();
    if (!d->context)
        return failed(MR_ENOMEM);
    int rc = d->algorithm == algorithm ? 0 : choose(d, algorithm);
    if (rc < 0)
        return rc;
    return EVP_DigestInit_ex2(d->context, d->md, NULL) ? 0 : failed(MR_EIO);
}

int sum_digester_add(sum_digester *d, const void *data, size_t size)
{
    return EVP_DigestUpdate(d->context, data, size) ? 0 : failed(MR_EIO);
}

int sum_digester_end(sum_digester *d, unsigned char *digest)
{
    return EVP_DigestFinal_ex(d->context, digest, NULL) ? 0 : failed(MR_EIO);
}

void sum_digester_close(sum_digester *d)
{
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->md);
    *d = (sum_digester){.context = NULL};
}
