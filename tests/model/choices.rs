//! What can happen next, as far as the configuration allows it.

use crate::{
    config::Prepare,
    model::{Action, SessionService},
    table::{Key, Token},
    transaction::Transaction,
    world::{Party, Request, Sort, World, number},
};

impl SessionService {
    /// A request arrives.
    pub(crate) fn arrivals(&self, world: &World, actions: &mut Vec<Action>) {
        let config = &self.config;
        let under_way = world.requests.iter().filter(|request| request.born().is_some()).count()
            + world.transactions.iter().filter(|transaction| !transaction.awaited).count();
        if under_way >= config.at_once {
            return;
        }
        let left = |sort: Sort, budget: u8| world.begun(sort) < usize::from(budget);
        if left(Sort::Refresh, config.refreshes) {
            let in_time = |token: &&Token| !config.in_time || world.promised.inside(**token, world.now, 0);
            let newest = |token: &&Token| {
                config.tabs || !world.client.iter().any(|other| other.login == token.login && other.generation > token.generation)
            };
            actions.extend(world.client.iter().filter(newest).filter(in_time).map(|token| Action::Refresh(Party::Client, *token)));
            actions.extend(world.thief.iter().map(|token| Action::Refresh(Party::Thief, *token)));
        }
        if left(Sort::Authorize, config.authorizations) {
            let users = world.client.iter().chain(if config.thief_uses { &world.thief[..] } else { &[] });
            for token in users {
                actions.extend(config.shown_at(world.now).map(|shown| Action::Authorize(*token, shown)));
            }
        }
        if left(Sort::EndOne, config.logouts + config.listed_ends) {
            if config.logouts > 0 {
                actions.extend(world.client.iter().copied().map(Action::Logout));
            }
            if config.listed_ends > 0 {
                actions.extend(world.table.logins().map(Action::EndListed));
            }
        }
        if left(Sort::Login, config.logins) {
            actions.push(Action::Login);
        }
        if left(Sort::Issue, config.issues) {
            actions.push(Action::Issue);
        }
        if left(Sort::Block, config.blocks) {
            actions.push(Action::Block);
        }
        if left(Sort::Everywhere, config.everywheres) {
            actions.push(Action::Everywhere);
        }
        if left(Sort::OwnChange, config.own_changes) {
            actions.extend(world.table.logins().filter(|login| *login < config.logins_before).map(Action::ChangeOwn));
        }
        if left(Sort::PasswordChange, config.password_changes) {
            actions.push(Action::ChangePassword);
        }
    }

    /// A request or a transaction goes on, or is lost.
    pub(crate) fn progress(&self, world: &World, actions: &mut Vec<Action>) {
        // Where requests come one at a time, nobody sees in which order one does things.
        let alone = self.config.at_once == 1;
        for (place, request) in (0..).zip(&world.requests) {
            let (choices, waits): (Vec<u8>, bool) = match request {
                Request::Refresh(refresh) => ((0..refresh.choices(&self.config)).collect(), refresh.waits()),
                Request::Authorize(authorization) => (authorization.choices(&self.config), false),
                Request::EndOne(_) => (vec![0], false),
                Request::Login(login) => (login.choices(&self.config), login.waits()),
                Request::EndAll(end) => (end.choices(), end.waits()),
                Request::Over(_) => continue,
            };
            let choices = choices.into_iter().map(|choice| Action::Step(place, choice));
            actions.extend(choices.take(if alone { 1 } else { usize::MAX }));
            if waits && world.lost_answers < self.config.lost_answers {
                actions.push(Action::LoseAnswer(place));
            }
            if request.born().is_some() && world.crashes < self.config.crashes {
                actions.push(Action::Crash(place));
            }
        }
        for (place, transaction) in (0..).zip(&world.transactions) {
            if !self.config.torn {
                actions.push(Action::Whole(place));
                continue;
            }
            let all = Transaction::all(&transaction.kind.operations(&self.config));
            let (done, action): (u8, fn(u8, u8) -> Action) =
                if transaction.prepared == all { (transaction.committed, Action::Commit) } else { (transaction.prepared, Action::Prepare) };
            let items = (0..8).filter(|item| all & !done & (1 << item) != 0).map(|item| action(place, item));
            if alone || transaction.prepared != all && self.config.prepare == Prepare::InOrder {
                actions.extend(items.take(1));
            } else {
                actions.extend(items);
            }
            if !transaction.awaited && transaction.prepared != all {
                actions.push(Action::Vanish(place));
            }
        }
    }

    /// Time passes, a thief copies, garbage is swept.
    pub(crate) fn around(&self, world: &World, actions: &mut Vec<Action>) {
        let config = &self.config;
        let holds_time = |request: &Request| match request {
            Request::Refresh(refresh) => refresh.holds_time(world, config),
            other => other.born().is_some_and(|born| !config.slow_handlers || born < world.now),
        };
        if world.now < config.start() + config.ticks && !world.requests.iter().any(holds_time) {
            actions.push(Action::Tick);
        }
        actions.extend((0..world.marks.len()).map(|place| Action::Mark(number(place))));
        if self.config.thief && !world.copied {
            actions.extend(world.client.iter().copied().map(Action::Copy));
        }
        for login in 0..world.logins_begun {
            if world.promised.ending & (1 << login) != 0 && world.table.login(login).is_none() {
                let rows = world.table.sessions(login).into_iter();
                let rows = rows.map(|(generation, session)| Token { login, generation, minter: session.minter });
                let free = |row: &Token| !world.is_locked(Key::Session { login, generation: row.generation }, &self.config);
                actions.extend(rows.filter(free).map(Action::Sweep));
            }
        }
    }
}
