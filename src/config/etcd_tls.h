#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/ds_place.h"
#include "config/spring_config.h"
#include "config/value_sources.h"

namespace dsfailover {

/// The files of etcd's TLS, by the option each is for: "registry-ca", "registry-cert",
/// "registry-key".
struct EtcdTls {
    std::optional<OptionValue> ca, cert, key;
    std::string warning;  ///< empty: none

    bool any() const { return ca || cert || key; }
};

/// The files that are used. One of our options turns TLS on. The masters' client has TLS only if
/// the scheme says so (`https`) or all three of DolphinScheduler's files are set: with fewer none
/// is used, and a warning says so. Throws UsageError for a certificate without its key, or a key
/// without its certificate.
EtcdTls etcd_tls(const OptionValues& options, const SpringConfig& spring, const DsPlace& place,
                 const SourceOrder& order, bool https);

}  // namespace dsfailover
