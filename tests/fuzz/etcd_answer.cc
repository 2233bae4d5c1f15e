#include "fuzz.h"
#include "registry/etcd/answer.h"
#include "registry/registry.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const Json answer = etcd_answer(text);
    etcd_code(answer);
    require(!etcd_problem(503, answer).empty(), "a refusal has a reason");
    if (!etcd_problem(200, answer).empty()) return;
    const auto tried = [](const auto& read) { return unless_refused<RegistryError>(read); };
    tried([&] { return etcd_flag(answer, "succeeded"); });
    tried([&] { return etcd_text(answer, "token"); });
    tried([&] { return etcd_bytes(answer, "key"); });
    tried([&] { return etcd_integer(answer, "ID"); });
    tried([&] { return etcd_time_to_live(answer); });
    if (const auto keys = tried([&] { return etcd_keys(answer); }))
        for (const EtcdKey& key : *keys)
            require(key.lease_hex().empty() == (key.lease == 0), "a lease has a name");
}

}  // namespace dsfailover
