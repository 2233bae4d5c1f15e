#include "config/etcd_tls.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dsfailover {
namespace {

std::optional<OptionValue> file_of(const char* option, const char* property,
                                   const OptionValues& options, const SpringConfig& spring,
                                   const DsPlace& place, const SourceOrder& order) {
    std::optional<OptionValue> ds = spring.get(property);
    if (ds) ds->value = place.path_of(*ds);
    return order.first(find(options, option), ds);
}

bool is_ours(const std::optional<OptionValue>& file) {
    return file && !is_dolphinschedulers(file->source);
}

}  // namespace

EtcdTls etcd_tls(const OptionValues& options, const SpringConfig& spring, const DsPlace& place,
                 const SourceOrder& order, bool https) {
    EtcdTls tls;
    tls.ca = file_of("registry-ca", "registry.cert-file", options, spring, place, order);
    tls.cert =
        file_of("registry-cert", "registry.key-cert-chain-file", options, spring, place, order);
    tls.key = file_of("registry-key", "registry.key-file", options, spring, place, order);
    const bool all = tls.ca && tls.cert && tls.key;
    if (tls.any() && !all && !https && !is_ours(tls.ca) && !is_ours(tls.cert) &&
        !is_ours(tls.key)) {
        const OptionValue& given = tls.ca ? *tls.ca : tls.cert ? *tls.cert : *tls.key;
        EtcdTls none;
        none.warning = fmt::format(
            "{}: etcd is spoken to without TLS, as by the masters, which use it only where "
            "registry.cert-file, registry.key-cert-chain-file and registry.key-file are all set, "
            "or the endpoints begin with https://",
            given.origin);
        return none;
    }
    if (tls.cert.has_value() != tls.key.has_value())
        throw UsageError(fmt::format(
            "{}: a client certificate and its key go together, and the {} is missing. "
            "--registry-ca (REGISTRY_CERT_FILE) is the authority the server is checked by, "
            "--registry-cert (REGISTRY_KEY_CERT_CHAIN_FILE) our certificate, --registry-key "
            "(REGISTRY_KEY_FILE) the key of that",
            tls.cert ? named("registry-cert", *tls.cert) : named("registry-key", *tls.key),
            tls.cert ? "key" : "certificate"));
    return tls;
}

}  // namespace dsfailover
