#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace dsfailover {

// What etcd's JSON gateway answers. It writes int64 as text and bytes as Base64, and leaves out
// zeros, false and what is empty. Readers of a field throw RegistryError(other) that names it if it
// is of another kind.

/// A key of etcd and what is known of it.
struct EtcdKey {
    std::string key;
    std::string value;
    std::int64_t create_revision = 0;
    std::int64_t mod_revision = 0;
    std::int64_t lease = 0;

    /// As the lock service writes it; empty: none.
    std::string lease_hex() const;
};

/// The answer that the body of an HTTP response is; no object if it is none. Calls that are streams
/// are answered with {"result": ...} a line: the first.
Json etcd_answer(std::string_view body);

/// Whether what is read of every answer has the types that etcd gives it.
bool is_etcd_answer(const Json& answer);

/// Why an answer with this HTTP status is of no use, in the server's words where it has some;
/// empty: it is good, and an object.
std::string etcd_problem(long http_status, const Json& answer);

/// The status code of gRPC in the answer; 0: none.
std::int64_t etcd_code(const Json& answer);

std::int64_t etcd_integer(const Json& object, const char* field);
std::string etcd_bytes(const Json& object, const char* field);
std::string etcd_text(const Json& object, const char* field);
bool etcd_flag(const Json& object, const char* field);
/// What is left of a lease; 0 and less: it has ended.
Millis etcd_time_to_live(const Json& answer);
/// The keys of a range, in its order.
std::vector<EtcdKey> etcd_keys(const Json& range);

}  // namespace dsfailover
