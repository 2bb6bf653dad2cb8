//! Layers: directories, and how far each is attached.
//!
//! ```text
//! create -> Idle -> activate -> Active -> prepare -> Prepared
//!           Idle <- deactivate <- Active <- unprepare <-'
//! destroy: from Idle alone
//! ```
//!
//! None of the steps back is taken under a system that has not ended: the layer is its root, and in use.
//!
//! A writable layer is a directory with sandbox.vhdx in it. What is attached is told from its path, in `layers.json`,
//! and outlives the process that attached it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::code::{Code, Failure, Result};
use crate::guid;

/// The disk of a writable layer.
const DISK: &str = "sandbox.vhdx";

/// How far a layer is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stage {
    /// Not at all.
    #[default]
    Idle,
    /// Its disk is.
    Active,
    /// It lies upon its parents.
    Prepared,
}

/// What moves a layer from one stage to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `ActivateLayer`.
    Activate,
    /// `PrepareLayer`.
    Prepare,
    /// `UnprepareLayer`.
    Unprepare,
    /// `DeactivateLayer`.
    Deactivate,
}

impl Stage {
    /// Returns the stage after a step; none where the step may not be taken now.
    pub fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::Idle, Step::Activate) | (Self::Prepared, Step::Unprepare) => Some(Self::Active),
            (Self::Active, Step::Prepare) => Some(Self::Prepared),
            (Self::Active, Step::Deactivate) => Some(Self::Idle),
            _ => None,
        }
    }
}

/// How far each attached layer is, by its path in lower case. An idle one is not in it.
pub type Stages = BTreeMap<String, Stage>;

/// One of the layers below another one, as a call describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its id.
    pub id: Uuid,
    /// Its directory.
    pub path: String,
}

/// Returns the directory that a call means: an id below a home, or a whole path as id.
pub fn directory(home: &str, id: &str) -> PathBuf {
    Path::new(home).join(id)
}

/// Returns the volume of a writable layer, without a separator at its end. `key` is its path in lower case.
pub fn volume(key: &str) -> String {
    format!(r"\\?\Volume{{{}}}", guid::of_name(key))
}

/// One layer, while the state of all is held.
#[derive(Debug)]
pub struct Layer<'a> {
    path: PathBuf,
    stages: &'a mut Stages,
    /// Those that are the roots of systems, by their paths in lower case.
    in_use: &'a [String],
}

impl<'a> Layer<'a> {
    /// Names the layer in a directory, which need not be there.
    pub fn at(path: PathBuf, stages: &'a mut Stages, in_use: &'a [String]) -> Self {
        Self { path, stages, in_use }
    }

    fn key(&self) -> String {
        self.path.to_string_lossy().to_lowercase()
    }

    fn stage(&self) -> Stage {
        self.stages.get(&self.key()).copied().unwrap_or_default()
    }

    fn failure(&self, code: Code, why: &str) -> Failure {
        Failure::new(code, format!("layer {}: {why}", self.path.display()))
    }

    fn needs_unused(&self) -> Result<()> {
        let in_use = self.in_use.contains(&self.key());
        if in_use { Err(self.failure(Code::IN_USE, "is the root of a system")) } else { Ok(()) }
    }

    fn is_writable(&self) -> bool {
        self.path.join(DISK).is_file()
    }

    fn needs_writable(&self) -> Result<()> {
        match (self.path.is_dir(), self.is_writable()) {
            (false, _) => Err(self.failure(Code::PATH_NOT_FOUND, "is not there")),
            (true, false) => Err(self.failure(Code::INVALID_LAYER, "has no sandbox.vhdx")),
            (true, true) => Ok(()),
        }
    }

    fn needs_parents(&self, parents: &[Parent]) -> Result<()> {
        if parents.is_empty() {
            return Err(self.failure(Code::INVALID_ARGUMENT, "has no parents"));
        }
        for Parent { id, path } in parents {
            if *id != guid::of_path(path) {
                return Err(self.failure(Code::INVALID_ARGUMENT, &format!("{id} is not the id of {path}")));
            }
            if !Path::new(path).is_dir() {
                return Err(self.failure(Code::PATH_NOT_FOUND, &format!("its parent {path} is not there")));
            }
        }
        Ok(())
    }

    /// Makes it: its directory, which may be there, and its disk, which may not.
    ///
    /// # Errors
    /// It is there, or one of its parents is not.
    pub fn create(&self, parents: &[Parent]) -> Result<()> {
        self.needs_parents(parents)?;
        if self.is_writable() {
            return Err(self.failure(Code::ALREADY_EXISTS, "is there already"));
        }
        let made = fs::create_dir_all(&self.path).and_then(|()| fs::write(self.path.join(DISK), []));
        made.map_err(|error| Failure::io(format!("create layer {}", self.path.display()), &error))
    }

    /// Takes a step that needs no parents.
    ///
    /// # Errors
    /// It is no writable layer, or in another stage.
    pub fn step(&mut self, step: Step) -> Result<()> {
        self.needs_writable()?;
        if matches!(step, Step::Unprepare | Step::Deactivate) {
            self.needs_unused()?;
        }
        let stage = self.stage();
        match stage.after(step) {
            None => Err(self.failure(Code::WRONG_ORDER, &format!("cannot {step:?} it: it is {stage:?}"))),
            Some(Stage::Idle) => {
                self.stages.remove(&self.key());
                Ok(())
            }
            Some(next) => {
                self.stages.insert(self.key(), next);
                Ok(())
            }
        }
    }

    /// Lays it upon its parents.
    ///
    /// # Errors
    /// As [`Layer::step`]; or one of its parents is not there.
    pub fn prepare(&mut self, parents: &[Parent]) -> Result<()> {
        self.needs_parents(parents)?;
        self.step(Step::Prepare)
    }

    /// Takes its disk from this computer, however far it is attached: `DetachVirtualDisk`.
    ///
    /// # Errors
    /// It is not attached.
    pub fn detach(&mut self) -> Result<()> {
        let attached = self.stages.remove(&self.key());
        attached.map(drop).ok_or_else(|| self.failure(Code::NOT_READY, "is not attached"))
    }

    /// Checks that it can grow; how far is for the log alone, because its disk is empty.
    ///
    /// # Errors
    /// It is no writable layer.
    pub fn expand(&self) -> Result<()> {
        self.needs_writable()
    }

    /// Removes its directory.
    ///
    /// # Errors
    /// It is not there, or attached.
    pub fn destroy(&self) -> Result<()> {
        self.needs_unused()?;
        if self.stage() != Stage::Idle {
            return Err(self.failure(Code::IN_USE, "is attached"));
        }
        fs::remove_dir_all(&self.path)
            .map_err(|error| Failure::io(format!("destroy layer {}", self.path.display()), &error))
    }

    /// Tells whether it is there.
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Returns where its files are: a volume for a writable layer, nothing while that is idle; else its directory.
    ///
    /// # Errors
    /// It is not there.
    pub fn mount_path(&self) -> Result<String> {
        match (self.exists(), self.is_writable(), self.stage()) {
            (false, ..) => Err(self.failure(Code::PATH_NOT_FOUND, "is not there")),
            (true, false, _) => Ok(self.path.display().to_string()),
            (true, true, Stage::Idle) => Ok(String::new()),
            (true, true, _) => Ok(volume(&self.key()) + "\\"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_in_order_alone() {
        use {Stage as S, Step as T};
        for (stage, allowed) in [
            (S::Idle, &[(T::Activate, S::Active)][..]),
            (S::Active, &[(T::Prepare, S::Prepared), (T::Deactivate, S::Idle)]),
            (S::Prepared, &[(T::Unprepare, S::Active)]),
        ] {
            for step in [T::Activate, T::Prepare, T::Unprepare, T::Deactivate] {
                let wanted = allowed.iter().find(|(allowed, _)| *allowed == step).map(|(_, next)| *next);
                assert_eq!(stage.after(step), wanted, "{stage:?} {step:?}");
            }
        }
    }

    #[test]
    fn a_layer_lives_on_disk() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("base");
        fs::create_dir(&base).unwrap();
        let parents = [Parent { id: guid::of_name("base"), path: base.display().to_string() }];
        let mut stages = Stages::new();
        let scratch = directory(root.path().to_str().unwrap(), "scratch");
        assert_eq!(scratch, directory("", scratch.to_str().unwrap()));

        let mut layer = Layer::at(scratch.clone(), &mut stages, &[]);
        let code = |result: Result<()>| result.map_err(|failure| failure.code);
        assert_eq!(code(layer.step(Step::Activate)), Err(Code::PATH_NOT_FOUND));
        assert_eq!(code(layer.create(&[])), Err(Code::INVALID_ARGUMENT));
        layer.create(&parents).unwrap();
        assert_eq!(code(layer.create(&parents)), Err(Code::ALREADY_EXISTS));
        assert_eq!(layer.mount_path().unwrap(), "");
        assert_eq!(code(layer.prepare(&parents)), Err(Code::WRONG_ORDER));
        layer.step(Step::Activate).unwrap();
        let other = [Parent { id: Uuid::nil(), ..parents[0].clone() }];
        assert_eq!(code(layer.prepare(&other)), Err(Code::INVALID_ARGUMENT));
        layer.prepare(&parents).unwrap();
        let volume = layer.mount_path().unwrap();
        assert!(volume.starts_with(r"\\?\Volume{") && volume.ends_with(r"}\"), "{volume}");
        assert_eq!(code(layer.destroy()), Err(Code::IN_USE));
        layer.step(Step::Unprepare).unwrap();
        layer.step(Step::Deactivate).unwrap();
        assert_eq!(code(layer.detach()), Err(Code::NOT_READY));
        layer.step(Step::Activate).unwrap();
        layer.detach().unwrap();
        layer.destroy().unwrap();
        assert!(!layer.exists() && stages.is_empty());

        let mut base_layer = Layer::at(base.clone(), &mut stages, &[]);
        assert_eq!(base_layer.mount_path().unwrap(), base.display().to_string());
        assert_eq!(code(base_layer.step(Step::Activate)), Err(Code::INVALID_LAYER));
    }

    #[test]
    fn a_layer_under_a_system_stays() {
        let root = tempfile::tempdir().unwrap();
        let scratch = root.path().join("Scratch");
        fs::create_dir(&scratch).unwrap();
        fs::write(scratch.join(DISK), []).unwrap();
        let in_use = [scratch.to_str().unwrap().to_lowercase()];
        for (stage, step) in [
            (Stage::Prepared, Step::Unprepare),
            (Stage::Active, Step::Deactivate),
            (Stage::Idle, Step::Activate),
        ] {
            let mut stages = Stages::from([(in_use[0].clone(), stage)]);
            let mut layer = Layer::at(scratch.clone(), &mut stages, &in_use);
            let refused = layer.step(step).err().map(|failure| failure.code);
            assert_eq!(refused, (step != Step::Activate).then_some(Code::IN_USE), "{step:?}");
            assert_eq!(layer.destroy().unwrap_err().code, Code::IN_USE);
        }
    }
}
