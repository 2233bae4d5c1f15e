#include "registry/jdbc/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/interruption.h"
#include "base/log.h"
#include "database/sql_dialect.h"
#include "registry/jdbc/claim.h"
#include "registry/jdbc/client.h"
#include "registry/jdbc/connection.h"
#include "registry/jdbc/liveness.h"
#include "registry/jdbc/lock.h"
#include "registry/jdbc/rows.h"
#include "registry/jdbc/schema.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

constexpr Millis kLookInterval{1000};

DatabaseSettings connection_settings(const RegistrySettings& settings) {
    DatabaseSettings own = settings.database;
    // An answer that comes later than our session lives is worth nothing.
    own.statement_timeout = std::min(own.statement_timeout, settings.session_timeout);
    own.lock_timeout = std::min(own.lock_timeout, settings.session_timeout / 2);
    return own;
}

class JdbcRegistry : public Registry {
  public:
    explicit JdbcRegistry(const RegistrySettings& settings);

    std::string type() const override { return "jdbc"; }
    std::string endpoint() const override { return connection_->endpoint(); }
    std::string name_space() const override { return ""; }
    bool masters_notice_departures() const override { return false; }

    std::optional<std::vector<std::string>> children(const std::string& path) override;
    std::optional<Node> get(const std::string& path) override;
    void read_children(const std::string& path,
                       const std::function<void(NodeRead)>& child) override;
    std::vector<Node> living(const std::string& path, bool patient) override;
    std::optional<std::string> twin_of(const std::string& path) override {
        return rows_.twin_of(path);
    }
    bool put(const std::string& path, const std::string& value,
             const std::string& version) override;
    void remove(std::span<Removal> removals) override { rows_.remove(removals); }
    LockAttempt lock(const std::string& path, Millis time_limit,
                     const std::function<void(const LockClaim&, Millis waited)>& waiting) override {
        return locks_.take(client(), path, time_limit, waiting);
    }
    std::vector<std::unique_ptr<Lock>> claim(std::span<const std::string> paths,
                                             const std::string& value) override {
        const std::shared_ptr<JdbcClient> owner = client();
        std::vector<std::unique_ptr<Lock>> claims;
        for (const std::string& path : paths)
            claims.push_back(claim_in_jdbc(rows_, owner, path, value));
        return claims;
    }
    std::vector<LockClaim> claims(const std::string& path) override { return locks_.claims(path); }
    std::vector<LockState> locks(const std::string& prefix) override {
        return locks_.locks_below(prefix);
    }
    bool owns(const Node& server, const LockClaim& claim) override {
        return server.owner == claim.owner ||
               names_server(claim.description, server.name, server.value);
    }
    std::unique_ptr<Announcement> announce(const std::string& path,
                                           const std::string& value) override;

  private:
    std::shared_ptr<JdbcClient> client();
    std::vector<JdbcRow> children_rows(const std::string& path);
    JdbcMovements::Sign look(const JdbcRow& row, const JdbcClients& clients);
    void look_elsewhere(const std::string& path, const JdbcClients& clients);

    const RegistrySettings settings_;
    const std::shared_ptr<JdbcConnection> connection_;
    const JdbcTimes times_;
    JdbcRows rows_;
    JdbcMovements movements_;
    JdbcLocks locks_;
    std::shared_ptr<JdbcClient> client_;
};

class JdbcAnnouncement : public Announcement {
  public:
    JdbcAnnouncement(JdbcRows rows, std::shared_ptr<JdbcClient> client, std::string path,
                     std::string value, std::int64_t id)
        : rows_(std::move(rows)),
          client_(std::move(client)),
          path_(std::move(path)),
          value_(std::move(value)),
          id_(id) {}
    ~JdbcAnnouncement() override;

    bool withdraw() override;

  private:
    JdbcRows rows_;
    const std::shared_ptr<JdbcClient> client_;
    const std::string path_;
    const std::string value_;
    const std::int64_t id_;
    bool withdrawn_ = false;
};

JdbcRegistry::JdbcRegistry(const RegistrySettings& settings)
    : settings_(settings),
      connection_(std::make_shared<JdbcConnection>(connection_settings(settings))),
      times_(connection_->dialect().time_precision_us(), TimeZone(settings.time_zone)),
      rows_(connection_, times_),
      locks_(connection_, rows_, times_, movements_) {
    connection_->read("checking the registry's tables",
                      [](Database& database) { check_jdbc_registry_schema(database); });
}

/// Our session, from the first write on; a lost one is followed by another.
std::shared_ptr<JdbcClient> JdbcRegistry::client() {
    if (!client_ || !client_->alive())
        client_ = std::make_shared<JdbcClient>(connection_, times_, settings_);
    return client_;
}

std::optional<std::vector<std::string>> JdbcRegistry::children(const std::string& path) {
    std::set<std::string> names;
    rows_.scan_below(path, [&](const JdbcRow& row) {
        const std::size_t start = path.size() + 1;
        names.insert(row.key.substr(start, row.key.find('/', start) - start));
    });
    if (names.empty() && !rows_.find(path)) return std::nullopt;
    return std::vector<std::string>(names.begin(), names.end());
}

std::optional<Node> JdbcRegistry::get(const std::string& path) {
    const std::optional<JdbcRow> row = rows_.find(path);
    if (!row) return std::nullopt;
    return rows_.node(*row);
}

void JdbcRegistry::read_children(const std::string& path,
                                 const std::function<void(NodeRead)>& child) {
    rows_.scan_below(path, [&](const JdbcRow& row) {
        const std::string name = row.key.substr(path.size() + 1);
        if (name.find('/') != std::string::npos) return;
        NodeRead read{name, std::nullopt, ""};
        try {
            read.node = rows_.node(row);
        } catch (const RegistryError& error) {
            read.problem = error.what();
        }
        child(std::move(read));
    });
}

std::vector<JdbcRow> JdbcRegistry::children_rows(const std::string& path) {
    std::vector<JdbcRow> children;
    rows_.scan_below(path, [&](JdbcRow& row) {
        if (row.key.find('/', path.size() + 1) == std::string::npos)
            children.push_back(std::move(row));
    });
    return children;
}

JdbcMovements::Sign JdbcRegistry::look(const JdbcRow& row, const JdbcClients& clients) {
    const auto sign = movements_.look(row.key, movable_state(row, clients));
    const bool answers = clients.alive(row.client_id) || reported_lately(row.value, clients.now);
    return answers ? JdbcMovements::Sign::moves : sign;
}

std::vector<Node> JdbcRegistry::living(const std::string& path, bool patient) {
    for (bool told = false;; told = true) {
        JdbcClients clients;
        const std::vector<JdbcRow> servers = children_rows(path);
        connection_->read("reading the clients",
                          [&](Database& database) { clients = read_clients(database); });
        movements_.look_at_all(clients);
        std::vector<Node> nodes;
        bool certain = true;
        for (const JdbcRow& server : servers) {
            const auto sign = look(server, clients);
            if (sign == JdbcMovements::Sign::moves) nodes.push_back(rows_.node(server));
            if (sign == JdbcMovements::Sign::unknown) certain = false;
        }
        if (certain || !patient) return nodes;
        if (!told)
            log_info(
                "A heartbeat below {} is overdue; looking on for up to {}, to see whether "
                "it moves",
                path, format_duration(JdbcMovements::kSecondLook));
        look_elsewhere(path, clients);
        wait_for(kLookInterval);
    }
}

// So that those of the other folders need no second look of their own.
void JdbcRegistry::look_elsewhere(const std::string& path, const JdbcClients& clients) {
    for (const std::string_view folder : {paths::kMasters, paths::kWorkers, paths::kAlertServers}) {
        if (folder == path) continue;
        for (const JdbcRow& row : children_rows(std::string(folder))) look(row, clients);
    }
}

bool JdbcRegistry::put(const std::string& path, const std::string& value,
                       const std::string& version) {
    const std::shared_ptr<JdbcClient> owner = client();
    return connection_->write("writing " + path, [&](Database& database) {
        if (!version.empty()) return rows_.update(database, path, value, version);
        return rows_.insert(database, path, value, false, owner->id()) != 0;
    });
}

std::unique_ptr<Announcement> JdbcRegistry::announce(const std::string& path,
                                                     const std::string& value) {
    const std::shared_ptr<JdbcClient> owner = client();
    std::int64_t id = 0;
    owner->announces(path, value);
    try {
        connection_->write("announcing " + path, [&](Database& database) {
            id = rows_.insert(database, path, value, true, owner->id());
            return id != 0;
        });
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
        const std::optional<JdbcRow> row = rows_.find(path);
        if (!row || row->client_id != owner->id() || row->value != value) throw;
        id = row->id;
    }
    if (id == 0) return nullptr;
    return std::make_unique<JdbcAnnouncement>(rows_, owner, path, value, id);
}

JdbcAnnouncement::~JdbcAnnouncement() {
    try {
        withdraw();
    } catch (const std::exception& error) {
        log_warn("The announcement {} could not be withdrawn and ends with our session: {}", path_,
                 error.what());
    }
}

bool JdbcAnnouncement::withdraw() {
    if (withdrawn_) return true;
    bool others = false;
    rows_.connection().write("withdrawing " + path_, [&](Database& database) {
        const std::vector<JdbcRow> rows = rows_.lock(database, std::span(&id_, 1));
        // A server that registers at the address writes into the row that it finds.
        const bool ours =
            !rows.empty() && rows[0].client_id == client_->id() && rows[0].value == value_;
        others = !rows.empty() && !ours;
        if (ours) rows_.erase(database, rows);
        return ours;
    });
    withdrawn_ = true;
    if (!others) others = rows_.find(path_).has_value();
    return !others;
}

}  // namespace

std::unique_ptr<Registry> open_jdbc_registry(const RegistrySettings& settings) {
    return std::make_unique<JdbcRegistry>(settings);
}

}  // namespace dsfailover
